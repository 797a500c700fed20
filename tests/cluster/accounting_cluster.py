"""A real Slurm that keeps accounts: as the other, with slurmdbd and a MariaDB of their own.

Debian's packages slurmdbd and mariadb-server; no service of theirs is used.
"""

import subprocess

from slurm_cluster import PROGRAMS, Cluster, free_ports

DATABASE = "slurm_acct_db"
PASSWORD = "of-a-database-that-lives-as-long-as-a-test"
SLURMDBD = """\
AuthType=auth/munge
AuthInfo=socket={home}/munge/socket
DbdHost=localhost
DbdPort={accounts}
SlurmUser=root
PidFile={home}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass={password}
StorageLoc={name}
"""
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={accounts}
AccountingStoragePass={home}/munge/socket
AccountingStorageTRES=gres/gpu
"""
USER = f"""\
CREATE DATABASE {DATABASE};
CREATE USER slurm@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON {DATABASE}.* TO slurm@'127.0.0.1';
"""


class AccountingCluster(Cluster):
    """The same cluster; sacct knows every job for good."""

    programs = (*PROGRAMS, "slurmdbd", "sacctmgr", "mariadbd", "mariadb-install-db", "mariadb")

    def accounting(self) -> str:
        accounts, database = free_ports(2)
        self._database(database)
        conf = self.home / "slurmdbd.conf"
        conf.touch(mode=0o600)
        conf.write_text(
            SLURMDBD.format(
                home=self.home, accounts=accounts, database=database, password=PASSWORD,
                name=DATABASE,
            )
        )  # fmt: skip
        return ACCOUNTING.format(home=self.home, accounts=accounts)

    def start_accounting(self) -> None:
        self._daemon("slurmdbd", "-D")
        add = ("sacctmgr", "--immediate", "add", "cluster", "test")
        self.wait("slurmdbd", lambda: self._works(*add), 60, every=1)

    def _database(self, port: int) -> None:
        data = self.home / "database"
        subprocess.run(
            [
                "mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}",
                "--auth-root-authentication-method=normal", "--skip-test-db",
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        socket = data / "socket"
        self._daemon(
            "mariadbd", "--no-defaults", "--user=mysql", f"--datadir={data}",
            f"--socket={socket}", f"--port={port}", "--bind-address=127.0.0.1",
            "--skip-name-resolve",
        )  # fmt: skip
        ask = ("mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "-e")
        self.wait("mariadbd", lambda: self._works(*ask, "SELECT 1"), 60)
        subprocess.run([*ask, USER], check=True, capture_output=True)

    def _works(self, *words: str) -> bool:
        return subprocess.run(words, env=self.environment, capture_output=True).returncode == 0
