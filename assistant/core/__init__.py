"""Pure: no framework, no disk, no clock."""
