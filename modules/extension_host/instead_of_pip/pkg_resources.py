"""`pkg_resources` for the install.py of extensions."""

import sys

from modules.extension_host import package_resources

sys.modules[__name__] = package_resources
