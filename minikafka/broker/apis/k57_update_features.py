"""UpdateFeatures: raise or lower the level of a feature; of the only one here there is one level.

Versions: 0 to 2. KIPs: KIP-584, KIP-778 (how to lower), KIP-1022 (one error for all).

Not done: levels that could be changed; see k18_api_versions.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.quorum.metadata_log import METADATA_VERSION, METADATA_VERSION_LEVEL
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE = 1, 2, 3
"""Upgrade types."""
LAST_VERSION_WITH_RESULTS = 1


def handle(broker: Broker, now: int, request: Request) -> UpdateFeaturesResponse:
    body: UpdateFeaturesRequest = request.body
    try:
        for update in body.feature_updates:
            check(update)
    except KafkaError as error:
        return UpdateFeaturesResponse(error_code=error.code, error_message=error.message)
    response = UpdateFeaturesResponse(error_message=None)
    if request.version <= LAST_VERSION_WITH_RESULTS:
        response.results = [
            UpdatableFeatureResult(feature=update.feature) for update in body.feature_updates
        ]
    return response


def check(update: FeatureUpdateKey) -> None:
    """Raises KafkaError INVALID_UPDATE_VERSION unless the feature is to stay as it is."""
    feature, level = update.feature, update.max_version_level
    if feature != METADATA_VERSION:
        reason = "this feature is not known here"
    elif level != METADATA_VERSION_LEVEL:
        reason = f"only {METADATA_VERSION_LEVEL} is supported"
    elif not UPGRADE <= update.upgrade_type <= UNSAFE_DOWNGRADE:
        reason = f"there is no upgrade type {update.upgrade_type}"
    else:
        return
    raise KafkaError(
        ErrorCode.INVALID_UPDATE_VERSION, f"Invalid update version {level} of {feature}: {reason}"
    )
