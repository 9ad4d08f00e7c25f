"""What everything else stands on: errors, logging, atomic files, timing. Imports the standard library only."""
