"""The draw and everything that proves it. Pure: time and entropy are arguments, nothing is read or written."""
