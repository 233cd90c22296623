"""The page: what is asked of it, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.chats.chat_id import ChatId
from bot.errors import Away, MarketbellError
from bot.messages.blocks import message_of
from bot.platforms.web.guard import Guard, names_of
from bot.platforms.web.leaving import unless
from bot.platforms.web.line import NoLineError, read_line
from bot.platforms.web.pages import STATIC, templates
from bot.platforms.web.pictures import PATH, Gallery
from bot.platforms.web.render import render
from bot.platforms.web.rows import Row, row_of
from bot.platforms.web.stream import Events, read_place
from bot.ports import Desk, PageFeed, Shown, Watchlist

_USER = "web:page"


def page(
    feed: PageFeed,
    watchlist: Watchlist,
    desk: Desk,
    *,
    session: str,
    title_note: str | None,
    hosts: tuple[str, ...],
) -> Starlette:
    """Make the page of one session.

    `title_note` says what the page shows instead of the market now, as in “Replay of 1–23 Mar 2022,
    reconstructed from daily bars”; `hosts` are the names it is called by besides localhost.
    """
    events = Events(feed, session)
    answers = _Page(feed, watchlist, desk, events, title_note)
    app = Starlette(
        routes=[
            Route("/", answers.whole),
            Route("/events", answers.follow),
            Route("/watched", answers.watched),
            Route("/ask", answers.ask, methods=["POST"]),
            Route(f"{PATH}{{name}}", answers.picture),
            Route("/healthz", answers.healthy),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Guard, names=names_of(hosts))],
    )
    app.state.leaving = events.leaving
    return app


@dataclass(frozen=True, slots=True)
class _Page:
    feed: PageFeed
    watchlist: Watchlist
    desk: Desk
    events: Events
    title_note: str | None
    templates: Environment = field(default_factory=templates)
    gallery: Gallery = field(default_factory=Gallery)

    async def whole(self, _request: Request) -> Response:
        """Answer with the page as it is now; its script keeps it so."""
        trouble = ""
        shown: tuple[Shown, ...] = ()
        rows: tuple[Row, ...] | None = None
        try:
            shown = await self.feed.recent(self.events.session)
            rows = await self._rows()
        except Away as error:
            trouble = str(error)
        return HTMLResponse(
            self.templates.get_template("page.html").render(
                title_note=self.title_note,
                shown=tuple(reversed(shown)),
                last=shown[-1].place if shown else "",
                trouble=trouble,
                rows=rows,
                menu=tuple(self.desk.menu()),
            )
        )

    async def follow(self, request: Request) -> Response:
        """Answer with the messages as they come, after the last that the browser knows."""
        # On a reconnection the browser repeats the address it began with, and adds where it came to.
        place = read_place(request.headers.get("last-event-id"), request.query_params.get("after"))
        return StreamingResponse(
            self.events.after(place),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    async def watched(self, _request: Request) -> Response:
        """Answer with the table of what is watched."""
        try:
            rows = await self._rows()
        except MarketbellError as error:
            return PlainTextResponse(str(error), 503)
        return HTMLResponse(self.templates.get_template("watched.html").render(rows=rows))

    async def ask(self, request: Request) -> Response:
        """Answer a command; a mistake is answered by its sentence."""
        try:
            line = await read_line(request)
        except NoLineError as error:
            return _refusal(str(error), error.status)
        chat = ChatId("web", "", self.events.session)
        try:
            role = await self.desk.role(chat, _USER, administers=True)
            answer = await unless(self.events.leaving, self.desk.answer(line, chat, role))
        except MarketbellError as error:
            return _refusal(str(error), 503)
        if answer is None:
            return _refusal("Marketbell is being stopped: ask again when it is back.", 503)
        return HTMLResponse(render(answer, picture=self.gallery.hang(answer)))

    async def picture(self, request: Request) -> Response:
        """Answer with the picture of an answer that was given a moment ago."""
        png = self.gallery.find(request.path_params["name"])
        if png is None:
            return PlainTextResponse("That picture is not kept any more: ask again.\n", 404)
        return Response(png, media_type="image/png")

    async def healthy(self, _request: Request) -> Response:
        """Answer that the page is served."""
        return PlainTextResponse("ok\n")

    async def _rows(self) -> tuple[Row, ...]:
        replayed = self.title_note is not None
        return tuple(row_of(each, replayed=replayed) for each in await self.watchlist.watched())


def _refusal(sentence: str, status: int) -> Response:
    return HTMLResponse(render(message_of(sentence)), status)
