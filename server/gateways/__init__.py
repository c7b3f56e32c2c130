"""Other systems we ask.  Each gateway is an interface first; it can fail only as `Unavailable`."""
