"""What the user chose: settings (config.json), flags (command line) and the folders that follow from them."""
