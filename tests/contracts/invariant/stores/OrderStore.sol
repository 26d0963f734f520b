// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order, Phase} from "../../../../contracts/interfaces/ICAPVault.sol";

/// @notice What the vault should hold and say, kept by the handlers from the protocol's table and the vault's own logs.
abstract contract OrderStore {
    struct Entry {
        Order order;
        bytes32 id;
        Phase phase; // from here on as the table says
        bool approved;
        bool disputed;
        uint256 since;
        bytes32 deliverableHash;
        uint256 providerPart;
        uint256 paid;
        uint256 toProvider; // from here on as the logs say
        uint256 toRequester;
        uint256 fee;
        uint256 commission;
        uint256 endings;
        uint256 deliveries;
    }

    /// @dev Every order that anybody tried anything with, those that the vault refused too.
    Entry[] internal _entries;
    mapping(bytes32 orderId => uint256 index) internal _indexPlusOne;

    /// @dev Pushes that failed and commissions, less claims.
    mapping(address token => mapping(address account => uint256 amount)) public credit;
    /// @dev Fees of settled orders, less sweeps.
    mapping(address token => uint256 amount) public accrued;
    /// @dev What the vault holds for nobody: donations, and payouts that a lying token never made.
    mapping(address token => uint256 amount) public surplus;

    function entries() external view returns (Entry[] memory) {
        return _entries;
    }

    function _byId(bytes32 id) internal view returns (Entry storage) {
        return _entries[_indexPlusOne[id] - 1];
    }
}
