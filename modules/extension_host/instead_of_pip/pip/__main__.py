"""`python -m pip` of an extension's install.py."""

import sys

from modules.extension_host.pip_command import main

sys.exit(main())
