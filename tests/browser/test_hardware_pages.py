"""A network opened, looked into, and taken away as VHDL, with a mouse."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.visits import Visitor, register, visitor
from tests.services.bare import make_sim
from tests.services.fixtures import Serve
from tests.services.server import ROOT, Server
from tests.services.worker import heavy_worker

pytestmark = [pytest.mark.browser, pytest.mark.server]
HAND = ROOT / "predictions" / "tests" / "media" / "hand-l.jpg"
FACE = ROOT / "static" / "samples" / "eileen-collins-nasa.jpg"
SMALL = "/hardware/redes/letters-small-v1.keras/"


@pytest.fixture(scope="module")
def workshop(serve_module: Serve) -> Iterator[Server]:
    server = serve_module()
    with heavy_worker(server):
        yield server


def made(page: Page, *, seconds: int = 60) -> None:
    expect(page.get_by_text("Descargar todo (ZIP)")).to_be_visible(timeout=seconds * 1000)


def test_layers_are_looked_into(browser: Browser, workshop: Server) -> None:
    with visitor(browser, workshop.url, locale="es") as guest:
        register(guest)
        page = guest.open("/hardware/")
        expect(page.get_by_text("Aún no hay nada")).to_be_visible()
        page.click("text=letters-small-v1.keras")
        page.set_input_files("#layers-file", HAND)
        page.click("text=Mirar dentro")
        made(page)
        expect(page.locator("h2", has_text="conv1")).to_be_visible()
        pictures = page.locator("figure img")
        assert pictures.count() >= 18
        pictures.first.scroll_into_view_if_needed()
        assert (
            pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 50
        )
        guest.check(page)
        page.set_viewport_size({"width": 360, "height": 800})
        guest.check(page)
        page.goto(f"{workshop.url}{SMALL}capas/conv1/")
        expect(page.get_by_text("De la última vez que miraste dentro")).to_be_visible()
        assert page.locator("svg.chart rect").count() >= 32
        page.goto(f"{workshop.url}{SMALL}")
        expect(page.get_by_text("120 parámetros, 110 592 MAC")).to_be_visible()
        page.click("svg.graph a:nth-of-type(3)")
        expect(page.locator("h1")).to_have_text("pool1")
        expect(page.get_by_text("Esta capa no tiene pesos")).to_be_visible()


@pytest.mark.parametrize("preset", ["compact", "stream"])
def test_a_core_is_verified_downloaded_and_passes_its_own_test(
    preset: str, browser: Browser, workshop: Server, tmp_path: Path
) -> None:
    with visitor(browser, workshop.url, locale="es") as guest:
        register(guest)
        page = guest.open(SMALL)
        page.set_input_files("#core-file", HAND)
        page.select_option("#preset", preset)
        page.select_option("#lanes", "16")
        page.click("text=Hacer el núcleo")
        made(page)
        expect(page.get_by_text("Verificado", exact=True)).to_be_visible()
        told = page.get_by_text("Ciclos hasta la primera respuesta")
        expect(told).to_have_count(1 if preset == "stream" else 0)
        guest.check(page)
        with page.expect_download() as started:
            page.click("text=Descargar todo (ZIP)")
        data = Path(str(started.value.path())).read_bytes()
        zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path / "design")
        (folder,) = (tmp_path / "design").iterdir()
        done = make_sim(folder, tmp_path / "bin")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "PASS" in done.stdout + done.stderr


def test_the_emotion_network_is_verified_through_its_first_layers(
    browser: Browser, workshop: Server
) -> None:
    with visitor(browser, workshop.url, locale="es") as guest:
        register(guest)
        page = guest.open("/hardware/redes/emotions-v3.keras/")
        page.set_input_files("#core-file", FACE)
        page.click("text=Hacer el núcleo")
        made(page, seconds=240)
        expect(page.get_by_text("Verificado hasta la capa")).to_be_visible()
        expect(page.get_by_text("El resto no se simuló")).to_be_visible()
        guest.check(page)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LeNet and a network of MobileNet's blocks, saved by Keras."""
    folder = tmp_path_factory.mktemp("networks")
    program = [sys.executable, "-m", "fpga_export.tests.keras_networks", str(folder)]
    subprocess.run([*program, "lenet", "mobile"], cwd=ROOT, check=True, timeout=180)
    return folder


@pytest.mark.parametrize("name", ["lenet", "mobile"])
def test_a_network_of_one_s_own_is_verified_in_both_presets(
    name: str, browser: Browser, workshop: Server, networks: Path
) -> None:
    with visitor(browser, workshop.url, locale="es") as guest:
        register(guest)
        page = guest.open("/hardware/")
        page.set_input_files("#network-file", networks / f"{name}.keras")
        page.get_by_role("button", name="Subir", exact=True).click()
        expect(page.locator("h1")).to_have_text(f"{name}.keras")
        cycles = {}
        for preset in ("compact", "stream"):
            page.goto(f"{workshop.url}/hardware/redes/{name}.keras/")
            page.set_input_files("#core-file", HAND)
            page.select_option("#preset", preset)
            page.click("text=Hacer el núcleo")
            made(page)
            expect(page.get_by_text("Verificado", exact=True)).to_be_visible()
            shown = page.locator(".stat").all_inner_texts()
            cycles[preset] = [int("".join(filter(str.isdigit, one))) for one in shown[:2]]
            simulated = page.locator("td[data-name='Simulados']").all_inner_texts()
            predicted = page.locator("td[data-name='Ciclos']").all_inner_texts()
            assert simulated[1:] == predicted[1:]
        first, each = cycles["stream"]
        assert each < first < cycles["compact"][0]


def test_what_is_wrong_is_said_where_it_was_asked(browser: Browser, workshop: Server) -> None:
    with visitor(browser, workshop.url, locale="es") as guest:
        register(guest)
        page = guest.open("/hardware/")
        bad: FilePayload = {
            "name": "red.keras",
            "mimeType": "application/zip",
            "buffer": b"PK\x03\x04junk",
        }
        page.set_input_files("#network-file", files=bad)
        page.get_by_role("button", name="Subir", exact=True).click()
        expect(page.get_by_text("Esta red no se puede abrir")).to_be_visible()
        good = (ROOT / "predictions/ml_models/letters-small-v1.keras").read_bytes()
        mine: FilePayload = {**bad, "name": "mía.keras", "buffer": good}
        page.set_input_files("#network-file", files=mine)
        page.get_by_role("button", name="Subir", exact=True).click()
        expect(page.locator("h1")).to_have_text("mía.keras")
        picture: FilePayload = {**bad, "name": "x.jpg"}
        page.set_input_files("#layers-file", files=picture)
        page.click("text=Mirar dentro")
        expect(page.get_by_text("No es una imagen JPEG, PNG ni WebP")).to_be_visible(timeout=20_000)
        page.click("text=mía.keras")
        page.click("text=Borrar esta red")
        expect(page.get_by_text("mía.keras se ha borrado")).to_be_visible()


def test_somebody_elses_export_is_not_there(browser: Browser, workshop: Server) -> None:
    with visitor(browser, workshop.url) as owner, visitor(browser, workshop.url) as other:
        register(owner)
        page = owner.open(SMALL)
        page.click("form[action$='/pesos/'] button")
        made_url = page.url
        register(other)
        theirs: Visitor = other
        answer = theirs.context.new_page().goto(made_url)
        assert answer is not None
        assert answer.status == 404
        nobody = browser.new_context()
        landed = nobody.new_page()
        landed.goto(made_url)
        assert "/cuenta/entrar/" in landed.url
        nobody.close()
