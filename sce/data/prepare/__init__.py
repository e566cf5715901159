"""From what a person downloaded to a data set that runs can read: checked, converted if wished, listed, indexed.

``scelab data prepare NAME SRC DST``. Nothing is ever downloaded, and nothing in SRC is changed or removed.
"""
