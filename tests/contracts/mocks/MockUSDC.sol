// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Behind a proxy it costs at least what USDC costs (a bare transfer: 44.8k gas): it reads its implementation, a pause
/// switch and a denylist on every transfer.
contract MockUSDC is ERC20("USD Coin", "USDC") {
    mapping(address account => bool isDenied) private _denied;
    bool private _paused;

    error Blocked();

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (_paused || _denied[from] || _denied[to]) revert Blocked();
        super._update(from, to, amount);
    }
}
