from fpga_export.core.diagram import DOWN, HEIGHT, WIDTH, bars, diagram


def layer(name: str, *inputs: str) -> dict[str, object]:
    shape = [4, 4, 2]
    known: dict[str, object] = {"name": name, "type": "Conv2D", "inputs": list(inputs)}
    return known | {"output_shape": shape, "unsupported": None, "parameters": 9, "macs": 144}


def test_a_layer_stands_below_all_that_it_reads() -> None:
    found = diagram(
        [layer("a"), layer("b", "a"), layer("c", "a"), layer("d", "b", "a"), layer("e", "d", "c")]
    )
    rows = {box.name: box.y // (HEIGHT + DOWN) for box in found.boxes}
    assert rows == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 3}
    assert len(found.lines) == 6
    left, right = (box.x for box in found.boxes if box.name in "bc")
    assert right - left >= WIDTH
    assert all(0 <= box.x <= found.width - WIDTH for box in found.boxes)


def test_the_fullest_bar_is_as_high_as_the_picture() -> None:
    assert bars([0, 2, 4], width=30, height=10) == [(0, 10, 0), (10, 5, 5), (20, 0, 10)]
    assert bars([0, 0], width=30, height=10)[0] == (0, 10, 0)
