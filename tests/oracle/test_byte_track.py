"""Our ByteTrack gives every box the id that the tracker of the package `trackers` 2.6.1 gives it.

`data/byte_track.json` was made once with it (`ByteTrackTracker(frame_rate=15, lost_track_buffer=30,
minimum_consecutive_frames=2, iou=BIoU(0.5))`, both thresholds 0.5): two scenes of nine things that wander, hide and
come back among false boxes, at uneven times. A frame is [seconds, [[x1, y1, x2, y2, score, id], ...]].
"""

import json
from pathlib import Path

import numpy as np
import pytest

from models.detection.byte_track import FRAMES_A_SECOND, ByteTrack

SCENES = json.loads((Path(__file__).parent / "data" / "byte_track.json").read_text())


@pytest.mark.parametrize("scene", SCENES)
def test_ids_are_those_of_the_reference(scene):
    tracks, before = ByteTrack(), scene[0][0] - 1 / FRAMES_A_SECOND
    for moment, rows in scene:
        boxes = np.array(rows, np.float64).reshape(-1, 6)
        found = tracks.update(boxes[:, :4], boxes[:, 4], beginning=0.5, seconds=moment - before)
        np.testing.assert_array_equal(found, boxes[:, 5])
        before = moment


def test_the_scenes_have_what_makes_tracking_hard():
    for scene in SCENES:
        ids = [int(row[5]) for _, rows in scene for row in rows]
        weak = [row for _, rows in scene for row in rows if row[4] < 0.5 and row[5] >= 0]
        assert len(set(ids)) > 15 and ids.count(-1) > 20 and len(weak) > 30
