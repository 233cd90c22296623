// What the server rendered and escaped, as elements. Nothing in it runs: scripts made this way are dead, and
// the page's policy allows no other.

export function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return document.importNode(template.content, true);
}
