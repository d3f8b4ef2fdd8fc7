"""Recurrent networks that read a text one character at a time."""
