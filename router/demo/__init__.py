"""The demonstration: real traffic over a fleet that fails on cue, and what a plain random spread makes of the same."""
