"""`w2s doctor`: whether this machine and account can run a study, before anything is submitted."""
