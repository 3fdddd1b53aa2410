import pytest

from sessions_app.devices import device_name

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML) "


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0",
            "Firefox · Linux",
        ),
        (WINDOWS + "Chrome/129.0 Safari/537.36 Edg/129.0", "Edge · Windows"),
        (WINDOWS + "Chrome/129.0 Safari/537.36", "Chrome · Windows"),
        (PHONE + "Version/17.0 Mobile/15E148 Safari/604.1", "Safari · iPhone"),
        ("curl/8.5.0", "curl"),
        ("x" * 41, "x" * 40),
        ("", ""),
    ],
)
def test_a_device_is_named_by_browser_and_system(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
