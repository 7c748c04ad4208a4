"""How bytes become a conversation: Kafka's binary protocol, without a socket.

connection   bytes of a stream  <->  requests and answers
messages/    what may be said: one class per message, all versions in one
schema       how a class becomes an encoder and a decoder
types        the words of the protocol: integers, strings, arrays, tags
errors       how to say no
"""
