-- Takes back: {message}

