"""Kafka: one node that is broker and controller (KRaft); there is no ZooKeeper any more."""

from __future__ import annotations

import base64
import signal
import subprocess
import uuid

from . import health, jars, java
from .failure import Failure
from .settings import Launch, Place, Settings

JAVA = (17, 21, 25)

LOG4J = """Configuration:
  Appenders:
    Console:
      name: Out
      PatternLayout:
        pattern: '%d %p %c{1} %m%n'
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        ref: Out
"""


class Kafka:
    name = "kafka"
    port = 9092
    inner_ports: tuple[str, ...] = ("controller",)
    stop = signal.SIGTERM

    def install(self, settings: Settings) -> None:
        java.program(JAVA)
        jars.fetch(self.name, settings.downloads)

    def launch(self, place: Place) -> Launch:
        config, log4j = place.home / "server.properties", place.home / "log4j2.yaml"
        config.write_text("".join(f"{key}={value}\n" for key, value in properties(place).items()))
        log4j.write_text(LOG4J)
        program, heap_mb = java.program(JAVA), place.settings.heap_mb.get(self.name, 512)
        classes = ["-cp", f"{jars.fetch(self.name, place.settings.downloads)}/*"]
        if not (place.home / "log/meta.properties").exists():
            format_store([program, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *classes], str(config))
        flags = [*java.bounds(place.settings, heap_mb), f"-Dlog4j2.configurationFile={log4j}"]
        return Launch([program, *flags, *classes, "kafka.Kafka", str(config)], cwd=place.home)

    def healthy(self, port: int) -> bool:
        return health.kafka(port)

    def url(self, port: int) -> str:
        return f"kafka://127.0.0.1:{port}"

    def wipe(self, settings: Settings) -> None:
        pass


def properties(place: Place) -> dict[str, object]:
    """One node: everything has one replica, and few threads and buffers."""
    client, controller = place.ports["client"], place.ports["controller"]
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENTS://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{client}",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": place.home / "log",
        "log.segment.bytes": 128 << 20,
        # chatd declares its topics; one that springs up by a typing error would have the wrong partitions.
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # After a kill -9 the node must outwait its own lease before it may come back; 9 s by default.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 1000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
        # 128 MB of heap by default, for each cleaner.
        "log.cleaner.dedupe.buffer.size": 16 << 20,
        "controlled.shutdown.max.retries": 1,
    }


def format_store(kafka: list[str], config: str) -> None:
    """Gives an empty store its cluster id."""
    # A leading dash would be read as an option.
    cluster = "c" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
    command = [*kafka, "kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", config]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failure(f"kafka: its store could not be made:\n{done.stdout[-2000:]}")
