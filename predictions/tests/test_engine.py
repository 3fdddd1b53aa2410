import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.engine import INTERNAL, NO_MODEL, Engine, Patience
from predictions.core.reading import Answer, Dropped, Failed, Model, Prediction, Request, Stream
from predictions.tests.pictures import COLLINS, FACES, encoded, four_corners
from predictions.tests.stand_in import ByBrightness

FACE = encoded(np.full((96, 96, 3), 10, np.uint8), "PNG")
OTHER_FACE = encoded(np.full((96, 96, 3), 200, np.uint8), "PNG")
PORTRAIT = COLLINS.read_bytes()


@pytest.fixture
def classifier() -> ByBrightness:
    return ByBrightness()


Make = Callable[..., Engine]


@pytest.fixture
def make_engine(classifier: ByBrightness) -> Iterator[Make]:
    made: list[Engine] = []

    def make(model: Model | None = None, **options: object) -> Engine:
        engine = Engine(model or Model(classifier, "stand-in", version=7), **options)  # type: ignore[arg-type]
        engine.start()
        made.append(engine)
        return engine

    yield make
    classifier.gate.set()
    for engine in made:
        engine.stop()


def asked(
    engine: Engine, data: bytes = FACE, *, detect: bool = True, assume_face: bool = False
) -> Request:
    return Request(data, engine.clock(), None, detect, assume_face)


def occupied(engine: Engine, classifier: ByBrightness) -> list[Answer]:
    """Hold the worker inside the classifier; its one answer comes into the list."""
    answers: list[Answer] = []
    classifier.gate.clear()
    engine.submit(asked(engine), answers.append, live=False)
    assert classifier.at_work.wait(10)
    return answers


def predicted(answer: Answer) -> Prediction:
    assert isinstance(answer, Prediction), answer
    return answer


def test_a_face_crop_is_classified_as_a_whole(make_engine: Make) -> None:
    engine = make_engine()
    answer = predicted(engine.predict_blocking(asked(engine, OTHER_FACE)))
    (face,) = answer.faces
    assert int(face.probabilities.argmax()) == 3
    assert (answer.tag, answer.version) == ("stand-in", 7)
    assert (answer.width, answer.height) == (96, 96)
    assert 0 < answer.processing_ms <= answer.age_ms
    assert engine.counts()["detections"] == 0


def test_a_photo_gives_its_faces_in_true_pixels(make_engine: Make) -> None:
    engine = make_engine()
    (face,) = predicted(engine.predict_blocking(asked(engine, PORTRAIT))).faces
    assert face.box.overlap(FACES[COLLINS]) > 0.6


def test_a_picture_without_a_face_has_none_unless_the_caller_vouches(make_engine: Make) -> None:
    engine = make_engine()
    wall = encoded(four_corners(200, 120))
    assert predicted(engine.predict_blocking(asked(engine, wall))).faces == ()
    for vouch in ({"assume_face": True}, {"detect": False}):
        (face,) = predicted(engine.predict_blocking(asked(engine, wall, **vouch))).faces
        assert (face.box.width, face.box.height) == (200, 120)


def test_a_bad_file_fails_with_its_code_and_the_next_is_served(make_engine: Make) -> None:
    engine = make_engine()
    answer = engine.predict_blocking(asked(engine, b"GIF89a..."))
    assert isinstance(answer, Failed)
    assert answer.code == "unsupported_format"
    predicted(engine.predict_blocking(asked(engine)))
    assert engine.counts()["failed"] == 1


@pytest.mark.parametrize("rows", [np.zeros((2, 7), np.float32), np.full((1, 7), np.nan), None])
def test_a_classifier_out_of_order_fails_the_request_and_not_the_worker(
    make_engine: Make, rows: NDArray[np.float32] | None
) -> None:
    class Broken(ByBrightness):
        def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
            if rows is None:
                raise RuntimeError("no more")
            return rows

    engine = make_engine(Model(Broken(), "broken"))
    assert engine.predict_blocking(asked(engine)) == INTERNAL
    engine.use(Model(ByBrightness(), "sound"))
    predicted(engine.predict_blocking(asked(engine)))


def test_without_a_model_every_request_is_told_so() -> None:
    engine = Engine()
    engine.start()
    assert engine.predict_blocking(asked(engine)) == NO_MODEL
    engine.stop()


def test_what_waits_is_classified_in_one_batch(make_engine: Make, classifier: ByBrightness) -> None:
    engine = make_engine()
    answers = occupied(engine, classifier)
    for _ in range(20):
        engine.submit(asked(engine), answers.append, live=True)
    classifier.gate.set()
    predicted(engine.predict_blocking(asked(engine)))
    wait_until(lambda: len(answers) == 21)
    assert sum(classifier.batches) == 22
    assert len(classifier.batches) <= 6


def test_a_new_model_serves_the_next_request_and_the_old_one_finishes_its_own(
    make_engine: Make, classifier: ByBrightness
) -> None:
    engine = make_engine()
    answers = occupied(engine, classifier)
    engine.use(Model(ByBrightness(), "second", version=8))
    classifier.gate.set()
    after = predicted(engine.predict_blocking(asked(engine)))
    assert predicted(answers[0]).tag == "stand-in"
    assert (after.tag, after.version) == ("second", 8)


def test_in_a_full_lane_the_oldest_frame_gives_way_and_a_photo_is_refused(
    make_engine: Make, classifier: ByBrightness
) -> None:
    engine = make_engine(patience=Patience(live_s=30, live_waiting=2, photo_waiting=1))
    occupied(engine, classifier)
    frames: list[Answer] = []
    photos: list[Answer] = []
    for _ in range(4):
        engine.submit(asked(engine), frames.append, live=True)
        engine.submit(asked(engine), photos.append, live=False)
    assert frames == [Dropped("busy")] * 2
    assert photos == [Dropped("busy")] * 3
    classifier.gate.set()
    wait_until(lambda: len(frames) == len(photos) == 4)
    assert [type(answer) for answer in (*frames[2:], photos[3])] == [Prediction] * 3
    assert engine.counts()["dropped"] == 5


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


def test_a_frame_that_waited_too_long_is_not_looked_at(
    make_engine: Make, classifier: ByBrightness
) -> None:
    engine = make_engine(patience=Patience(live_s=0.05))
    occupied(engine, classifier)
    answers: list[Answer] = []
    engine.submit(asked(engine), answers.append, live=True)
    time.sleep(0.06)
    classifier.gate.set()
    wait_until(lambda: len(answers) == 1)
    assert answers == [Dropped("busy")]


def test_stopping_finishes_the_batch_and_answers_the_rest(
    make_engine: Make, classifier: ByBrightness
) -> None:
    engine = make_engine()
    first = occupied(engine, classifier)
    rest: list[Answer] = []
    for live in (True, False):
        engine.submit(asked(engine), rest.append, live=live)
    threading.Timer(0.05, classifier.gate.set).start()
    engine.stop()
    predicted(first[0])
    assert rest == [Dropped("busy"), Dropped("busy")]
    engine.submit(asked(engine), rest.append, live=True)
    assert rest[2:] == [Dropped("busy")]
    with pytest.raises(RuntimeError, match="stopped"):
        engine.start()


def test_an_engine_that_was_not_started_takes_nothing() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        Engine().submit(Request(FACE, 0.0), print, live=True)


async def test_an_event_loop_gets_its_answers_in_its_own_thread(
    make_engine: Make, classifier: ByBrightness
) -> None:
    engine = make_engine()
    threads: set[int] = set()
    loop = asyncio.get_running_loop()
    engine.submit(asked(engine), lambda _: threads.add(threading.get_ident()), live=True, loop=loop)
    answers = await asyncio.gather(*(engine.predict(asked(engine)) for _ in range(40)))
    assert [type(answer) for answer in answers] == [Prediction] * 40
    assert threads == {threading.get_ident()}


async def test_a_receiver_that_went_away_costs_the_others_nothing(
    make_engine: Make, classifier: ByBrightness
) -> None:
    engine = make_engine()
    occupied(engine, classifier)
    gone = asyncio.ensure_future(engine.predict(asked(engine)))
    stays = asyncio.ensure_future(engine.predict(asked(engine)))

    def fail(answer: Answer) -> None:
        raise LookupError

    engine.submit(asked(engine), fail, live=False, loop=asyncio.get_running_loop())
    await asyncio.sleep(0)
    gone.cancel()
    classifier.gate.set()
    predicted(await stays)


def test_a_closed_event_loop_does_not_stop_the_worker(make_engine: Make) -> None:
    engine = make_engine()
    loop = asyncio.new_event_loop()
    loop.close()
    engine.submit(asked(engine), print, live=True, loop=loop)
    predicted(engine.predict_blocking(asked(engine)))


def test_a_stream_detects_every_fifth_frame_and_keeps_the_number(make_engine: Make) -> None:
    engine = make_engine()
    stream, start, numbers = Stream(), engine.clock(), []
    for frame in range(10):
        request = Request(PORTRAIT, start + frame * 0.01, stream)
        (face,) = predicted(engine.predict_blocking(request)).faces
        numbers.append(face.number)
        assert face.box.overlap(FACES[COLLINS]) > 0.6
    assert numbers == [1] * 10
    assert engine.counts()["detections"] == 2


def test_a_stream_is_smoothed_and_photos_are_not(make_engine: Make) -> None:
    engine = make_engine()
    stream, start = Stream(), engine.clock()
    bright = predicted(engine.predict_blocking(Request(OTHER_FACE, start, stream)))
    assert bright.faces[0].probabilities[3] == 1
    (then,) = predicted(engine.predict_blocking(Request(FACE, start + 0.25, stream))).faces
    assert then.probabilities[3] == 0  # the picture alone
    assert then.smoothed is not None
    assert then.smoothed[3] == pytest.approx(0.5)
    (photo,) = predicted(engine.predict_blocking(asked(engine))).faces
    assert photo.smoothed is None


async def test_under_ten_times_the_load_every_frame_is_answered_once_and_no_answer_is_old(
    make_engine: Make,
) -> None:
    class Slow(ByBrightness):
        def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
            time.sleep(0.01)
            return super().probabilities(faces)

    engine = make_engine(Model(Slow(), "slow"), patience=Patience(live_s=0.1, live_waiting=64))
    ages: list[float] = []
    kinds: list[type[Answer]] = []
    loop, sent = asyncio.get_running_loop(), 0
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        for _ in range(40):  # 8,000 a second; the classifier does 1,600 at most
            request, sent = asked(engine), sent + 1

            def deliver(answer: Answer, since: float = request.received_at) -> None:
                ages.append(time.monotonic() - since)
                kinds.append(type(answer))

            engine.submit(request, deliver, live=True, loop=loop)
        await asyncio.sleep(0.005)
    await asyncio.to_thread(wait_until, lambda: len(kinds) == sent)
    assert {Prediction, Dropped} == set(kinds)
    assert len(kinds) == sent
    assert np.percentile(ages, 99) < 0.3
