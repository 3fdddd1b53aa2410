"""What an uploaded network may weigh."""

from typing import Final

FILE_BYTES: Final = 50 * 2**20
ARCHIVE_BYTES: Final = 200 * 2**20
WEIGHTS_BYTES: Final = 100 * 2**20  # of an archive's weights, which are unpacked into memory
ARCHIVE_ENTRIES: Final = 64
ARCHIVE_RATIO: Final = 100
CONFIG_BYTES: Final = 2 * 2**20
DATASETS: Final = 256
LAYERS: Final = 200
PARAMETERS: Final = 5_000_000
CORE_PARAMETERS: Final = 1_000_000
SIDE: Final = 1024
CHANNELS: Final = 4096
PICTURE_CHANNELS: Final = 4
VALUES_A_LAYER: Final = 16_000_000
NAME_LENGTH: Final = 100
