// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

/// @title Proxy in front of SandboxUSDC
/// @notice There for its gas: the real USDC is called through a proxy. Nobody can upgrade this one.
contract SandboxUSDCProxy is ERC1967Proxy {
    constructor(address implementation) ERC1967Proxy(implementation, "") {}

    /// @dev USDC's proxy reads its admin before every call, and so does this one, though it has none.
    function _fallback() internal override {
        if (msg.sender != ERC1967Utils.getAdmin()) super._fallback();
    }

    /// @dev SandboxUSDC keeps its settings in its code, so there is nothing to initialize.
    function _unsafeAllowUninitialized() internal pure override returns (bool) {
        return true;
    }
}
