"""The way through the app: an opening page, lessons, classes, and the words explained.

| file | what it holds |
|---|---|
| `entrance.py` | the opening page and its living pictures |
| `lessons.py`, `lessons/*.json` | routes through the tabs, as data, checked |
| `rooms.py` | classes that answer the same question at the same time |
| `glossary.py` | the words that texts mark, with what they mean |
"""
