"""The door: what a request must pass before Gradio sees it, and what every answer must be. SECURITY.md says what for.

| file | what it decides |
|---|---|
| `front.py` | one socket from the first second on |
| `connections.py` | how many connections there may be, and how long each may say or read nothing |
| `gate.py` | the order in which everything below is asked |
| `doors.py` | which addresses exist, who may write to them, in which media type |
| `visitors.py` | whose request it is, and how much of everything one visitor may hold |
| `bodies.py`, `content.py` | how much is read and for how long; what JSON may hold |
| `answers.py`, `pages.py` | headers, refusals as sentences; pages and assets kept compressed |
| `mended.py` | what is slow or wrong in Gradio's browser side, as it is served |
| `shell.py`, `queue.py`, `sessions.py` | Gradio's events, places in its queue and sessions, shared fairly |
| `sweep.py` | how long files of visitors stay |
| `operations.py` | health, readiness, figures, one log line a job |
| `launch.py` | all of it as settings of `Blocks.launch` |
"""
