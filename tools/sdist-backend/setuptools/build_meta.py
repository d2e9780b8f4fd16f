"""What pip takes for the backend of packages that name none: see ../mesonpy.py."""

import mesonpy as __legacy__

__all__ = ["__legacy__"]
