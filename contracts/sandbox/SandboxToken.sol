// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ShortString, ShortStrings} from "@openzeppelin/contracts/utils/ShortStrings.sol";

/// @title USDC, EURC and the like for test networks
/// @notice 6 decimals, a denylist and EIP-3009 like the real tokens; whoever holds the minter's key makes as much as it likes.
/// @dev Runs behind a proxy, so its settings are constants and immutables, not storage. Slot by slot a transfer reads and
/// writes as much as the real USDC's, and costs about as much (45.5k gas; 44.8k).
contract SandboxToken is ERC3009 {
    using ShortStrings for *;

    /// @notice Mints, and keeps the denylist.
    address public immutable minter;

    ShortString private immutable _symbol;

    mapping(address account => bool listed) private _blacklisted;

    /// @notice `account` can neither send, receive nor approve.
    event Blacklisted(address indexed account);
    /// @notice `account` is free again.
    event UnBlacklisted(address indexed account);

    /// @notice `caller` is not the minter.
    error NotMinter(address caller);
    /// @notice `account` is on the denylist.
    error AccountBlacklisted(address account);

    /// @dev Version 2 of the signing domain, as the real tokens have it.
    /// @param name_ At most 31 bytes; it is the signing domain's name too.
    /// @param symbol_ At most 31 bytes.
    constructor(string memory name_, string memory symbol_, address minter_) ERC20("", "") EIP712(name_, "2") {
        _symbol = symbol_.toShortString();
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

    /// @notice The transfer that `from` signed as TransferWithAuthorization, submitted by anyone.
    /// @param signature 65 bytes r, s, v; or what the contract `from` takes for its signature (ERC-1271).
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        _checkSignature(
            TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce, signature
        );
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @notice The transfer that `from` signed as ReceiveWithAuthorization, submitted by `to`: nobody else can spend the authorization.
    /// @param signature 65 bytes r, s, v; or what the contract `from` takes for its signature (ERC-1271).
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        require(to == msg.sender, ERC20InvalidReceiver(to));
        _checkSignature(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce, signature);
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _EIP712Name();
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _symbol.toString();
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

    function _checkSignature(
        bytes32 typeHash,
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) private view {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(typeHash, from, to, value, validAfter, validBefore, nonce))
        );
        require(SignatureChecker.isValidSignatureNowCalldata(from, digest, signature), ERC3009InvalidSignature());
    }

    function _checkMinter() private view {
        require(msg.sender == minter, NotMinter(msg.sender));
    }

    function _checkAllowed(address account) private view {
        require(!_blacklisted[account], AccountBlacklisted(account));
    }
}
