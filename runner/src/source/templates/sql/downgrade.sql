-- Takes back: ${message}

