"""The same computed functions on other machines: an engine for `models.compute` whose work is done by Ray Serve.

    app.py --engine ray               Ray is started on this machine
    app.py --engine ray:HEAD:6379     joins a cluster, on which `python -m models.serving HEAD:6379` has been run

- `plan.py`: which replicas there are, read from a file.
- `messages.py`: what travels between the page's process and a replica, as bytes.
- `belongings.py`: what visitors have made and computed functions find by name: the page's process owns it.
- `replica.py`: the other end. `engine.py`: this end. Neither knows Ray.
- `cluster.py`: Ray: joining, deploying, lines to replicas. `sentences.py`: what its failures mean to a visitor.
"""
