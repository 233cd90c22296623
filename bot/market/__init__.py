"""The market's nouns and numbers, without any input or output."""
