"""Pictures that configured providers look at too: over real sockets."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import Plan, PlanLimit, UsageRow, User
from assistant.providers import configured
from tests.services.huggingface_server import HuggingFaceServer

pytestmark = pytest.mark.django_db(transaction=True)
SAMPLES = Path(__file__).resolve().parents[2] / "static/samples"
COLLINS = (SAMPLES / "eileen-collins-nasa.jpg").read_bytes()
OWN = {"engine": "embedded", "model": "opencv", "degraded": False}


@pytest.fixture
def far(far_huggingface: HuggingFaceServer, settings: Settings) -> Iterator[HuggingFaceServer]:
    settings.HF_BASE_URL = far_huggingface.url
    settings.HF_DETECT_MODEL, settings.HF_CAPTION_MODEL = "detect-yolo", "caption-blip"
    settings.CHAT_DEADLINE_S = 3.0
    yield far_huggingface
    configured.clear_guards()


@pytest.fixture
def ana() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ana"))
    return client


def looked(
    client: APIClient,
    path: str = "/api/v1/assistant/images",
    data: bytes = COLLINS,
    lang: str = "es",
) -> dict[str, Any]:
    file = SimpleUploadedFile("a.jpg", data)
    answer = client.post(path, {"file": file}, format="multipart", HTTP_ACCEPT_LANGUAGE=lang)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_who_is_signed_in_is_told_what_the_providers_see(
    far: HuggingFaceServer, ana: APIClient
) -> None:
    body = looked(ana)
    assert body["objects"] == [
        {"label": "dog", "score": 0.97, "box": {"x": 10, "y": 20, "width": 100, "height": 200}}
    ]
    assert body["description"] == "En inglés: «a dog on a lawn»"
    assert (body["provider"], body["degraded"]) == ("huggingface", False)
    assert body["engines"]["objects"] == {
        "engine": "huggingface",
        "model": "detect-yolo",
        "degraded": False,
    }
    assert looked(ana, lang="en")["description"] == "a dog on a lawn"


def test_a_stranger_s_picture_stays_here(far: HuggingFaceServer) -> None:
    body = looked(APIClient())
    assert (body["provider"], body["engines"]["objects"]) == ("embedded", OWN)
    assert body["objects"][0]["label"] == "face"
    assert far.requests == []


def test_without_a_captioner_the_description_names_what_the_detector_found(
    far: HuggingFaceServer, ana: APIClient, settings: Settings
) -> None:
    settings.HF_CAPTION_MODEL = None
    dog = far.said["detect"][1]
    far.said["detect"] = [dog, dog, dog | {"label": "unheard-of"}]
    body = looked(ana)
    assert body["provider"] == "huggingface+embedded"
    assert body["description"].startswith("Se encontró: perro (2) y unheard-of.")
    far.said["detect"] = []
    assert looked(ana)["description"].startswith("No se encontró nada de lo que conoce")


@pytest.mark.parametrize("switches", [{"status": 500}, {"status": 401}, {"hang": True}])
def test_this_machine_stands_in_and_says_so(
    far: HuggingFaceServer, ana: APIClient, settings: Settings, switches: dict[str, Any]
) -> None:
    settings.CHAT_DEADLINE_S = 1.0
    far.behave(**switches)
    body = looked(ana)
    assert (body["provider"], body["degraded"]) == ("embedded", True)
    assert body["engines"]["description"] == OWN | {"degraded": True}
    assert body["objects"][0]["label"] == "face"


def test_one_may_fail_while_the_other_answers(far: HuggingFaceServer, ana: APIClient) -> None:
    far.behave(status=500, paths="caption")
    body = looked(ana)
    assert body["objects"][0]["label"] == "dog"
    assert body["engines"]["description"] == OWN | {"degraded": True}
    assert body["engines"]["objects"]["degraded"] is False


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/imagen/analizar", {"detect-yolo", "caption-blip"}),
        ("/imagen/objetos", {"detect-yolo"}),
        ("/imagen/descripcion", {"caption-blip"}),
    ],
)
def test_the_originals_paths_ask_for_what_they_tell_alone(
    far: HuggingFaceServer, ana: APIClient, path: str, asked: set[str]
) -> None:
    assert looked(ana, path)["provider"] == "huggingface"
    assert {one[0].rsplit("/", 1)[1] for one in far.requests} == asked


def test_what_is_sent_is_upright_and_carries_nothing_that_a_camera_wrote(
    far: HuggingFaceServer, ana: APIClient
) -> None:
    picture = Image.new("RGB", (300, 100), "navy")
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "canary"  # who made the camera
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    body = looked(ana, data=out.getvalue())
    assert (body["width"], body["height"]) == (100, 300)
    for _path, _headers, sent in far.requests:
        assert Image.open(io.BytesIO(sent)).size == (100, 300)
        assert b"canary" not in sent


def test_boxes_are_those_of_the_whole_picture_and_stay_within_it(
    far: HuggingFaceServer, ana: APIClient
) -> None:
    out = io.BytesIO()
    Image.new("RGB", (4000, 3000), "navy").save(out, "PNG")
    far.said["detect"] = [
        {"label": "dog", "score": 0.9, "box": {"xmin": 10, "ymin": 20, "xmax": 9999, "ymax": 60}}
    ]
    body = looked(ana, data=out.getvalue())
    wide = Image.open(io.BytesIO(far.requests[0][2])).size[0]
    box = body["objects"][0]["box"]
    assert box["x"] == pytest.approx(10 * 4000 / wide, abs=1)
    assert box["x"] + box["width"] == 4000


def test_a_caption_that_a_rule_holds_back_is_not_shown(
    far: HuggingFaceServer, ana: APIClient
) -> None:
    far.said["caption"] = [{"generated_text": "a note that says sk-" + "a1" * 12}]
    body = looked(ana)
    assert "sk-" not in str(body)
    assert body["engines"]["description"]["degraded"] is True


def test_the_page_says_where_pictures_go(
    far: HuggingFaceServer, client: Client, settings: Settings
) -> None:
    assert "van también a: huggingface" in client.get("/objetos/").content.decode()
    settings.HF_DETECT_MODEL = settings.HF_CAPTION_MODEL = None
    assert "van también" not in client.get("/objetos/").content.decode()


def counted() -> list[tuple[str, str]]:
    return list(UsageRow.objects.values_list("user__username", "act"))


def test_a_picture_that_a_provider_looked_at_counts_once_for_its_user(
    far: HuggingFaceServer, ana: APIClient
) -> None:
    looked(ana)
    looked(ana, "/imagen/objetos")
    looked(APIClient())
    assert counted() == [("ana", "assistant_call")] * 2


def test_what_this_machine_looked_at_is_free(far: HuggingFaceServer, ana: APIClient) -> None:
    far.behave(status=401)
    assert looked(ana)["degraded"]
    assert counted() == []


def test_after_the_days_last_call_no_provider_is_asked(
    far: HuggingFaceServer, ana: APIClient
) -> None:
    Plan.objects.all().delete()
    plan = Plan.objects.create(name="small")
    PlanLimit.objects.create(plan=plan, name="assistant_calls_a_day", most=1)
    looked(ana)
    before = len(far.requests)
    file = SimpleUploadedFile("a.jpg", COLLINS)
    answer = ana.post("/api/v1/assistant/images", {"file": file}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (429, "daily_limit_reached")
    assert len(far.requests) == before
    assert len(counted()) == 1
