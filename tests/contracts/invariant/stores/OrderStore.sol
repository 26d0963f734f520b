// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order, Phase} from "../../../../contracts/interfaces/ICAPVault.sol";

/// @notice What the vault should hold and say, kept by the handler from the protocol's rules and the vault's own logs.
abstract contract OrderStore {
    struct Entry {
        Order order;
        bytes32 id;
        Phase phase;
        uint256 since;
        bytes32 deliverableHash;
        uint256 paid; // from here on as the logs say
        uint256 toProvider;
        uint256 toRequester;
        uint256 fee;
        uint256 commission;
        uint256 endings;
        uint256 deliveries;
    }

    error NotInTheTable(Phase from, Phase to);

    Entry[] internal _entries;
    mapping(bytes32 orderId => uint256 index) internal _indexPlusOne;

    /// @dev Orders that somebody tried to create without both consents.
    bytes32[] internal _refused;

    /// @dev Pushes that failed, less claims.
    mapping(address token => mapping(address account => uint256 amount)) public credit;
    /// @dev Fees of settled orders, less sweeps.
    mapping(address token => uint256 amount) public accrued;
    /// @dev What the vault holds for nobody: donations, and payouts that a lying token never made.
    mapping(address token => uint256 amount) public surplus;

    function entries() external view returns (Entry[] memory) {
        return _entries;
    }

    function isCreated(bytes32 orderId) external view returns (bool) {
        return _indexPlusOne[orderId] != 0;
    }

    function refused() external view returns (bytes32[] memory) {
        return _refused;
    }

    /// @dev Moves an order, along the protocol's table only.
    function _move(Entry storage entry, Phase to, uint256 timestamp) internal {
        Phase from = entry.phase;
        bool allowed = from == Phase.NONE
            ? to == Phase.NEGOTIATION
            : from == Phase.NEGOTIATION
                ? to == Phase.LOCK || to == Phase.REJECTED || to == Phase.EXPIRED
                : from == Phase.LOCK && (to == Phase.CLEAR || to == Phase.REJECTED || to == Phase.EXPIRED);
        if (!allowed) revert NotInTheTable(from, to);
        (entry.phase, entry.since) = (to, timestamp);
    }
}
