"""Easel's entry point: read the flags, build the application, serve it."""

from __future__ import annotations

import sys

from modules.foundation.errors import EaselError, StartupError
from modules.foundation.importing import importing


def main() -> int:
    """Run until interrupted. Returns the exit code."""
    try:
        with importing("fastapi", "gradio"):
            from modules.application.launch import prepare

            application, listener = prepare(sys.argv[1:])
            phase = application.startup.phase
            with phase("API"):
                from modules.api.server import create_api, tell_started
                from modules.application.serve import serve

                api = create_api(application)
            with phase("gradio"):
                from modules.webui.quick_import import import_gradio

                import_gradio()
            with phase("scripts"):
                from modules.a1111.start import start_dialect

                start_dialect(application)
            page = None
            if not application.flags.nowebui:
                with phase("page"):
                    from modules.webui.page import mount_page

                    page = mount_page(api, application)
            tell_started(api, application, page)
        return serve(api, application, listener)
    except EaselError as error:
        print(f"Easel cannot start: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, StartupError) else 1


if __name__ == "__main__":
    sys.exit(main())
