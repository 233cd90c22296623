"""Telegram, by long polling."""
