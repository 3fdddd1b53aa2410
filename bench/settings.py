"""The least that the plain server needs of Django."""

SECRET_KEY = "not a secret: nothing is signed"  # noqa: S105
INSTALLED_APPS = ["channels"]
