from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from modules.faces.detect import SIDES, STRIDES, anchors, decode, detect_faces, eyes_apart, working_scale
from modules.faces.retinaface import load_retinaface
from modules.foundation.errors import CheckpointError


def planted(size: tuple[int, int], faces: list[tuple[int, float, list[float]]]) -> tuple[Tensor, Tensor, Tensor]:
    """The network's answer where anchor `i` is a face of this probability whose box, in pixels, is this."""
    places = anchors(*size)
    probabilities, boxes = torch.zeros(len(places)), torch.zeros(len(places), 4)
    landmarks = torch.zeros(len(places), 10)
    extent = torch.tensor([*size], dtype=torch.float32)
    for index, probability, box in faces:
        corners = torch.tensor(box).reshape(2, 2) / extent
        middle, sides = corners.mean(0), corners[1] - corners[0]
        anchor = places[index]
        probabilities[index] = probability
        boxes[index, :2] = (middle - anchor[:2]) / (0.1 * anchor[2:])
        boxes[index, 2:] = torch.log(sides / anchor[2:]) / 0.2
        points = corners[0] + torch.tensor([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * sides
        landmarks[index] = ((points - anchor[:2]) / (0.1 * anchor[2:])).flatten()
    return probabilities, boxes, landmarks


def test_there_are_two_anchors_at_each_place_of_each_level() -> None:
    width, height = 200, 120
    places = anchors(width, height)
    assert len(places) == sum(2 * -(-width // stride) * -(-height // stride) for stride in STRIDES)
    x, y, w, h = (places[1] * torch.tensor([width, height, width, height])).tolist()
    assert (x, y) == pytest.approx((STRIDES[0] / 2, STRIDES[0] / 2))
    assert (w, h) == pytest.approx((SIDES[0][1], SIDES[0][1]))


def test_planted_faces_are_found_where_they_were_planted() -> None:
    size = (320, 240)
    small, large = [40.0, 50.0, 80.0, 100.0], [150.0, 60.0, 290.0, 230.0]
    found = decode(*planted(size, [(100, 0.99, small), (2500, 0.98, large)]), size)
    assert [face.box.tolist() for face in found] == [pytest.approx(large, abs=0.01), pytest.approx(small, abs=0.01)]
    assert found[1].landmarks[0] == pytest.approx([52, 70], abs=0.01)
    assert eyes_apart(found[1]) == pytest.approx(16, abs=0.01)


def test_one_face_is_found_once_and_doubtful_ones_not_at_all() -> None:
    size = (320, 240)
    box = [40.0, 50.0, 80.0, 100.0]
    doubled = [(100, 0.98, box), (101, 0.99, [x + 3 for x in box]), (900, 0.6, [200.0, 10.0, 240.0, 60.0])]
    (face,) = decode(*planted(size, doubled), size)
    assert face.probability == pytest.approx(0.99)


@pytest.mark.parametrize(("width", "height"), [(320, 240), (2000, 1000), (5000, 4000), (50, 8000)])
def test_faces_lie_in_the_picture_as_it_was_before_it_was_resized(width: int, height: int) -> None:
    def network(picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        high, wide = picture.shape[2:]
        box = [0.25 * wide, 0.25 * high, 0.75 * wide, 0.75 * high]
        probabilities, boxes, landmarks = planted((wide, high), [(10, 0.99, box)])
        return probabilities[None], boxes[None], landmarks[None]

    (face,) = detect_faces(Image.new("RGB", (width, height)), network)
    wanted = [0.25 * width, 0.25 * height, 0.75 * width, 0.75 * height]
    assert face.box == pytest.approx(np.array(wanted), abs=1)
    assert max(width, height) * working_scale(width, height) <= 1921


def test_the_network_reads_the_well_known_file(detector_file: Path) -> None:
    network = load_retinaface(detector_file)
    with torch.inference_mode():
        probabilities, boxes, landmarks = network(torch.zeros(1, 3, 64, 96))
    count = len(anchors(96, 64))
    assert probabilities.shape == (1, count)
    assert boxes.shape == (1, count, 4)
    assert landmarks.shape == (1, count, 10)
    # The coarsest level is last: of each two anchors the second is a face.
    assert (probabilities[0] > 0.99).nonzero().flatten().tolist() == list(range(count - 11, count, 2))


def test_a_picture_is_measured_from_its_own_colours(detector_file: Path) -> None:
    seen: list[Tensor] = []

    def network(picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen.append(picture)
        count = len(anchors(picture.shape[3], picture.shape[2]))
        return torch.zeros(1, count), torch.zeros(1, count, 4), torch.zeros(1, count, 10)

    detect_faces(Image.new("RGB", (640, 640), (255, 117, 4)), network)
    assert seen[0][0, :, 0, 0].tolist() == [4 - 104, 0, 255 - 123]


def test_another_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    torch.save({"body.conv1.weight": torch.zeros(3, 3)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"a\.pth holds no RetinaFace"):
        load_retinaface(tmp_path / "a.pth")
    torch.save({"something": torch.zeros(3, 3)}, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="it has no body"):
        load_retinaface(tmp_path / "b.pth")
