// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

/// @title Proxy in front of SandboxToken
/// @notice There for its gas: the real tokens are called through a proxy. Nobody can upgrade this one.
contract SandboxTokenProxy is ERC1967Proxy {
    /// @dev An address that no key opens. Not 0: eth_call without a sender comes from 0, and would be taken for the admin.
    address private constant NOBODY = address(0xdead);

    constructor(address implementation) ERC1967Proxy(implementation, "") {
        ERC1967Utils.changeAdmin(NOBODY);
    }

    /// @dev The real ones read their admin before every call, and so does this one.
    function _fallback() internal override {
        if (msg.sender != ERC1967Utils.getAdmin()) super._fallback();
    }

    /// @dev SandboxToken keeps its settings in its code, so there is nothing to initialize.
    function _unsafeAllowUninitialized() internal pure override returns (bool) {
        return true;
    }
}
