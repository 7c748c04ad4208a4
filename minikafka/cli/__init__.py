"""The command line. A file for what belongs together:

main.py      finding the command that is meant; what an error looks like
common.py    what several of them share
broker.py    be a broker
cluster.py   look at a cluster, and change it
records.py   records in, out, and as they lie on the disk
lab.py       play, provoke and measure
"""

from minikafka.cli.main import main as main
