"""What a view takes over the wire: its JSON and all arrays and pictures it names, compressed as a browser gets them."""

import json
import re

from demos.compression import compress
from demos.wire import ARRAYS, to_wire


def travelled(*views):
    """Bytes of all views together; what several of them name is fetched once."""
    sent = json.dumps([to_wire(view) for view in views])
    names = set(re.findall(r'"array": "([^"]+)"|"arrays/([^"]+)"', sent))
    return len(compress(sent.encode(), "gzip")) + sum(_fetched("".join(name)) for name in names)


def _fetched(name):
    file = ARRAYS.find(name)
    packed = file.media_type.startswith("image/")
    return len(file.content if packed else compress(file.content, "br", once=True))
