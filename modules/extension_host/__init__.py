"""Finding, switching, installing and reporting on extensions: folders in extensions/, whatever dialect they speak."""
