#!/usr/bin/env python3
"""The command line of VisionAI: `python manage.py help` lists what it can do."""

import os
import sys

from visionai.lib.errors import ConfigurationError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visionai.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ConfigurationError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
