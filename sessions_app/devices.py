"""What a person recognises a device by, from what its browser says of itself."""

# In this order: most browsers name others too.
BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "python-requests": "python-requests",
    "httpx": "httpx",
    "curl/": "curl",
    "Postman": "Postman",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device_name(user_agent: str) -> str:
    """For example `Firefox · Linux`; the start of the text itself where it names neither."""
    browser = next((name for sign, name in BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), "")
    return " · ".join(filter(None, (browser, system))) or user_agent[:40]
