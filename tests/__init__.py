"""What the tests share is in tests.rig; each suite is a folder that pytest is given."""
