"""DVC's view of a study: stages, the bundles that they record, and its cache."""
