"""The dialect of A1111's extensions: what they import, call, subclass and replace, as one plug-in on Easel's hooks."""
