"""What source and state promise, held to against every broker and every Redis that the project starts."""
