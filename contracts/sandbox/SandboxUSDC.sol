// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title USDC for test networks
/// @notice 6 decimals and a denylist like the real token; whoever holds the minter's key makes as much as it likes.
/// @dev Runs behind a proxy, so its settings are constants and immutables, not storage. Slot by slot a transfer reads and
/// writes as much as the real one's, and costs about as much (45.4k gas; 44.8k).
contract SandboxUSDC is ERC20 {
    /// @notice Mints, and keeps the denylist.
    address public immutable minter;

    mapping(address account => bool listed) private _blacklisted;

    /// @notice `account` can neither send, receive nor approve.
    event Blacklisted(address indexed account);
    /// @notice `account` is free again.
    event UnBlacklisted(address indexed account);

    /// @notice `caller` is not the minter.
    error NotMinter(address caller);
    /// @notice `account` is on the denylist.
    error AccountBlacklisted(address account);

    constructor(address minter_) ERC20("", "") {
        minter = minter_;
    }

    modifier onlyMinter() {
        _checkMinter();
        _;
    }

    /// @notice Creates `amount` base units (10^-6) for `to`.
    function mint(address to, uint256 amount) external onlyMinter returns (bool) {
        _mint(to, amount);
        return true;
    }

    /// @notice Puts `account` on the denylist.
    function blacklist(address account) external onlyMinter {
        _blacklisted[account] = true;
        emit Blacklisted(account);
    }

    /// @notice Takes `account` off the denylist.
    function unBlacklist(address account) external onlyMinter {
        _blacklisted[account] = false;
        emit UnBlacklisted(account);
    }

    /// @notice Whether `account` is on the denylist.
    function isBlacklisted(address account) external view returns (bool) {
        return _blacklisted[account];
    }

    /// @inheritdoc ERC20
    function name() public pure override returns (string memory) {
        return "USD Coin";
    }

    /// @inheritdoc ERC20
    function symbol() public pure override returns (string memory) {
        return "USDC";
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _update(address from, address to, uint256 value) internal override {
        _checkAllowed(from);
        _checkAllowed(to);
        super._update(from, to, value);
    }

    function _approve(address owner, address spender, uint256 value, bool emitEvent) internal override {
        _checkAllowed(owner);
        _checkAllowed(spender);
        super._approve(owner, spender, value, emitEvent);
    }

    function _checkMinter() private view {
        require(msg.sender == minter, NotMinter(msg.sender));
    }

    function _checkAllowed(address account) private view {
        require(!_blacklisted[account], AccountBlacklisted(account));
    }
}
