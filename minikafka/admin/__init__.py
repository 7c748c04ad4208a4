"""The admin client.

admin.py     what a program calls
machine.py   the machine under it: requests that are put again until they are answered
answers.py   what the answers say
"""

from minikafka.admin.admin import Admin as Admin
from minikafka.admin.admin import NewTopic as NewTopic
