"""Pictures that are looked at, from pixels to the originals' paths."""

import base64
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import override
from numpy.typing import NDArray
from PIL import Image
from rest_framework.test import APIClient

from assistant import pictures
from assistant.core.looking import Look, Looker, colours_of, sharpness_of
from assistant.descriptions import describe, enumerated
from assistant.throttles import AnonymousImages

SAMPLES = Path(__file__).resolve().parents[2] / "static/samples"
COLLINS = (SAMPLES / "eileen-collins-nasa.jpg").read_bytes()
PATHS = ["/imagen/analizar", "/imagen/objetos/", "/imagen/descripcion", "/api/v1/assistant/images"]


def plain(colour: tuple[int, int, int], side: int = 200) -> NDArray[np.uint8]:
    return np.full((side, side, 3), colour, np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def sent(data: bytes = COLLINS) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("a.jpg", data)}


def test_a_portrait_has_one_face_with_its_eyes_inside() -> None:
    pixels = np.asarray(Image.open(io.BytesIO(COLLINS)).convert("RGB"))
    look = Looker().look(pixels)
    (face,) = [one for one in look.found if one.label == "face"]
    assert (look.count("person"), look.count("eye")) == (0, 2)
    assert face.box.overlap(type(face.box)(172, 61, 102, 102)) > 0.7
    for eye in look.found[1:]:
        assert face.box.x <= eye.box.x
        assert eye.box.y + eye.box.height < face.box.y + face.box.height * 0.6
        assert 0 < eye.score <= 1


def test_a_plain_surface_has_nothing_but_its_colour() -> None:
    look = Looker().look(plain((40, 85, 190)))
    assert (look.found, look.colours) == ((), (("blue", 1.0),))
    assert look.is_blurred
    assert not look.is_dark


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (19, 19)])
def test_a_picture_of_any_shape_is_looked_at(size: tuple[int, int]) -> None:
    assert Looker().look(np.zeros((*size, 3), np.uint8)).found == ()


def test_colours_are_named_with_their_shares() -> None:
    pixels = plain((200, 30, 30))
    pixels[:, :50] = (245, 225, 50)  # a quarter
    assert colours_of(pixels) == (("red", 0.75), ("yellow", 0.25))


def test_what_covers_less_than_an_eighth_is_not_called_a_main_colour() -> None:
    pixels = plain((200, 30, 30))
    pixels[:20] = (45, 140, 50)  # a tenth
    assert [name for name, _ in colours_of(pixels)] == ["red"]


def test_blurring_a_picture_lowers_its_sharpness() -> None:
    gray = np.asarray(Image.open(io.BytesIO(COLLINS)).convert("L"))
    blurred = np.asarray(cv2.GaussianBlur(gray, (0, 0), 6), np.uint8)
    assert sharpness_of(blurred) < 60 < sharpness_of(gray)


@pytest.mark.parametrize(
    ("level", "dark", "bright"), [(20, True, False), (128, False, False), (240, False, True)]
)
def test_dark_and_bright_pictures_are_told_apart(level: int, *, dark: bool, bright: bool) -> None:
    look = Looker().look(plain((level, level, level)))
    assert (look.is_dark, look.is_bright) == (dark, bright)


def test_a_description_claims_only_what_was_found() -> None:
    nothing = Look((), (("blue", 0.6), ("gray", 0.2)), brightness=0.1, sharpness=3)
    with override("en"):
        assert describe(nothing) == (
            "No face and no standing person was found. Its main colours are blue and gray. "
            "It is dark. It is blurred."
        )
    with override("es"):
        assert describe(nothing) == (
            "No se encontró ningún rostro ni persona de pie. Sus colores principales son azul y "
            "gris. Es oscura. Está borrosa."
        )
        assert enumerated(["a", "b", "c"]) == "a, b y c"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.django_db
def test_anybody_may_have_a_picture_looked_at(path: str) -> None:
    client = APIClient()
    answer = client.post(path, sent(), format="multipart", HTTP_ACCEPT_LANGUAGE="es")
    assert (answer.status_code, answer.json()["provider"]) == (200, "embedded")
    text = base64.b64encode(COLLINS).decode()
    assert client.post(path, {"image": text}).status_code == 200
    assert client.post(path, {"image": f"data:image/jpeg;base64,{text}"}).status_code == 200


@pytest.mark.django_db
def test_the_original_paths_answer_with_their_part() -> None:
    client = APIClient()
    whole, found, said = (
        client.post(path, sent(), format="multipart", HTTP_ACCEPT_LANGUAGE="es").json()
        for path in PATHS[:3]
    )
    assert whole["success"]
    assert {one["label"] for one in found["objects"]} == {"face", "eye"}
    assert set(found["objects"][0]) == {"label", "score", "box"}
    assert whole["description"] == said["description"]
    assert said["description"].startswith("Se encontró: 1 rostro y 2 ojos abiertos.")
    assert "description" not in found


@pytest.mark.django_db
def test_boxes_are_in_pixels_of_the_whole_picture() -> None:
    big = Image.open(io.BytesIO(COLLINS)).resize((2048, 2048))
    out = io.BytesIO()
    big.save(out, "JPEG")
    answer = APIClient().post(PATHS[3], sent(out.getvalue()), format="multipart").json()
    assert (answer["width"], answer["height"]) == (2048, 2048)
    box = answer["objects"][0]["box"]
    assert box["x"] == pytest.approx(4 * 175, abs=40)
    assert box["width"] == pytest.approx(4 * 99, abs=60)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty"),
        (b"not a picture", 415, "unsupported_format"),
        (COLLINS[:3000], 422, "broken"),
        (b"a" * (10 * 2**20 + 1), 413, "too_large"),
    ],
)
@pytest.mark.django_db
def test_what_is_no_picture_is_refused_in_words(data: bytes, status: int, code: str) -> None:
    answer = APIClient().post("/imagen/analizar", sent(data), format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]


@pytest.mark.django_db
def test_without_a_picture_it_says_what_to_send() -> None:
    for body in ({}, {"image": 7}, {"other": "x"}):
        answer = APIClient().post("/imagen/analizar", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "no_file")


@pytest.mark.django_db
def test_a_bad_token_is_an_error_and_a_cookie_does_not_count(client: Any) -> None:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert api.post("/imagen/analizar", sent(), format="multipart").status_code == 401


@pytest.mark.django_db
def test_visitors_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnonymousImages, "rate", "2/min")
    client = APIClient()
    statuses = [client.post("/imagen/objetos", {}).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]


@pytest.mark.django_db
def test_an_operator_may_close_it_to_visitors(settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(settings.ENV, "anonymous_predict", False)
    answer = APIClient().post("/imagen/analizar", sent(), format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")


@pytest.mark.django_db
def test_more_pictures_than_there_is_room_for_are_told_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "WAIT_S", 0.01)
    with pictures._room, pictures._room:
        answer = APIClient().post("/imagen/analizar", sent(), format="multipart")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert APIClient().post("/imagen/analizar", sent(), format="multipart").status_code == 200


@pytest.mark.django_db
def test_the_page_has_words_for_all_that_can_be_found(client: Any) -> None:
    page = client.get("/objetos/").content.decode()
    for word in ("face", "eye", "person", "colour-light blue"):
        assert f'data-word="{word}"' in page
