"""Active scan 主扫 (V2, B7.6): the terminal shows a code, the resident scans it and says yes or no."""
