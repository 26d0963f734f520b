// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order} from "../../../../contracts/interfaces/ICAPVault.sol";
import {IVault} from "../../CAPVault/IVault.sol";
import {Behaviour, MockToken} from "../../mocks/MockToken.sol";
import {MockToken3009} from "../../mocks/MockToken3009.sol";
import {MockWallet} from "../../mocks/MockWallet.sol";
import {Test} from "../../Test.sol";
import {APPROVED, DISPUTED, HAS_APPROVER, HAS_ARBITER} from "../ProtocolTable.sol";
import {OrderStore} from "../stores/OrderStore.sol";

/// @notice The actors, the tokens and how these behave, and choices among actors, tokens and orders.
abstract contract World is Test, OrderStore {
    uint256 public constant TOKENS = 2;
    uint256 public constant ACTORS = 6;
    uint256 internal constant PARTIES = 4;
    uint256 internal constant WALLET = 3;

    /// @dev No order names it.
    address internal constant STRANGER = address(0x5712A);

    IVault public immutable vault;
    address public immutable owner;
    MockToken3009[TOKENS] public tokens;
    /// @dev Three EOAs with the keys below, one ERC-1271 wallet, two treasuries. Any may be an order's Arbiter, Approver or second payee.
    address[ACTORS] public actors;
    uint256[3] private _keys = [0xA1, 0xA2, 0xA3];

    /// @dev Tokens that have no code while the vault is called.
    mapping(address token => bool isGone) internal _gone;

    constructor(IVault vault_, address owner_) {
        (vault, owner) = (vault_, owner_);
        for (uint256 i; i < _keys.length; ++i) {
            actors[i] = vm.addr(_keys[i]);
        }
        actors[WALLET] = address(new MockWallet());
        actors[4] = vm.addr(0xB1);
        actors[5] = vm.addr(0xB2);
        for (uint256 i; i < TOKENS; ++i) {
            tokens[i] = new MockToken3009();
        }
    }

    /* WHAT TOKENS DO */

    function _deposits(address token, address from, bool authorized) internal view returns (bool) {
        Behaviour behaviour = MockToken(token).behaviour();
        if (_gone[token] || MockToken(token).denied(from)) return false;
        // receiveWithAuthorization returns nothing, so what it returns does not matter.
        if (
            behaviour == Behaviour.RETURNS_FALSE || behaviour == Behaviour.RETURNS_RUBBISH
                || behaviour == Behaviour.RETURNS_SHORT
        ) return authorized;
        return _isFair(behaviour);
    }

    /// @dev Whether a transfer counts as done; of those that do, two kinds give the payee less.
    function _pays(address token, address to) internal view returns (bool) {
        Behaviour behaviour = MockToken(token).behaviour();
        if (_gone[token] || MockToken(token).denied(to)) return false;
        return _isFair(behaviour) || behaviour == Behaviour.LIES || behaviour == Behaviour.TAKES_FEE;
    }

    function _isFair(Behaviour behaviour) private pure returns (bool) {
        return behaviour == Behaviour.HONEST || behaviour == Behaviour.RETURNS_NOTHING
            || behaviour == Behaviour.COSTS_GAS || behaviour == Behaviour.REENTERS;
    }

    /// @dev What `to` gets when it is paid `amount`.
    function _arrives(address token, address to, uint256 amount) internal view returns (uint256) {
        Behaviour behaviour = MockToken(token).behaviour();
        if (!_pays(token, to) || behaviour == Behaviour.LIES) return 0;
        return behaviour == Behaviour.TAKES_FEE ? amount - (amount + 99) / 100 : amount;
    }

    /* CONSENTS */

    /// @dev A signature of `party` over `digest`, or one that is none: of another key, over something else, or empty.
    function _consent(address party, bytes32 digest, bool good) internal returns (bytes memory) {
        if (party == actors[WALLET]) {
            if (good) MockWallet(party).approveHash(digest);
            else MockWallet(party).withdrawHash(digest);
            return "";
        }
        if (good) return _sign(_keyOf(party), digest);
        uint256 how = uint256(digest) % 3;
        return how == 0 ? _sign(0xBAD, digest) : how == 1 ? _sign(_keyOf(party), ~digest) : bytes("");
    }

    /// @dev The Requester's EIP-3009 authorization; a bad one is for another price, time or order, or no signature of its.
    function _authorization(Order memory order, bytes32 id, bool good, uint256 how) internal returns (bytes memory) {
        uint256 until = uint256(order.payDeadline) + 1;
        bytes memory signature = _consent(order.requester, _digest(order, order.amount, until, id), good);
        how %= 4;
        if (good || how == 0) return signature;
        if (how == 1) return _consent(order.requester, _digest(order, uint256(order.amount) + 1, until, id), true);
        if (how == 2) return _consent(order.requester, _digest(order, order.amount, until + 1, id), true);
        return _consent(order.requester, _digest(order, order.amount, until, ~id), true);
    }

    function _digest(Order memory order, uint256 amount, uint256 until, bytes32 nonce) private view returns (bytes32) {
        return MockToken3009(order.token).authorizationDigest(order.requester, address(vault), amount, 0, until, nonce);
    }

    function _keyOf(address party) private view returns (uint256) {
        for (uint256 i; i < _keys.length; ++i) {
            if (actors[i] == party) return _keys[i];
        }
        revert("no key"); // solhint-disable-line gas-custom-errors
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /* CHOICES */

    /// @dev An order that may be created, new to the store unless one of four; its times are short in three of four.
    function _orderToCreate(Order memory order, uint256 who, uint256 seed) internal returns (Entry storage) {
        if (seed % 4 == 0 && _entries.length != 0) return _pick(seed >> 2);
        uint256 requester = who % PARTIES;
        uint256 provider = (requester + 1 + (who >> 8) % (PARTIES - 1)) % PARTIES;
        (order.requester, order.provider) = (actors[requester], actors[provider]);
        order.token = address(_token(seed >> 8));
        (order.arbiter, order.approver, order.commissionTo) = (address(0), address(0), address(0));
        order.commissionBps = 0;
        if ((who >> 16) % 4 != 0) order.arbiter = _outsider(who >> 20, requester, provider);
        if ((who >> 32) % 3 == 0) order.approver = _outsider(who >> 36, requester, provider);
        uint256 longest = (seed >> 16) % 4 == 0 ? 365 days : 1 days;
        order.amount = uint120(bound(order.amount, 1, type(uint120).max));
        order.feeBps = uint16(bound(order.feeBps, 0, 1000));
        if ((who >> 48) % 2 == 0) {
            order.commissionTo = _actor(who >> 52);
            order.commissionBps = uint16(bound(who >> 64, 1, 5000 - order.feeBps));
        }
        uint256 now_ = vm.getBlockTimestamp();
        order.payDeadline = uint40(bound(order.payDeadline, now_, now_ + (longest > 30 days ? 30 days : longest)));
        order.slaSeconds = uint32(bound(order.slaSeconds, 300, longest));
        uint256 review = bound(order.reviewSeconds, 300, longest > 30 days ? 30 days : longest);
        order.reviewSeconds = order.arbiter == address(0) ? 0 : uint32(review);
        return _remember(order);
    }

    function _remember(Order memory order) private returns (Entry storage entry) {
        bytes32 id = vault.hashOrder(order);
        if (_indexPlusOne[id] != 0) return _byId(id);
        entry = _entries.push();
        (entry.order, entry.id) = (order, id);
        _indexPlusOne[id] = _entries.length;
    }

    function _outsider(uint256 seed, uint256 requester, uint256 provider) private view returns (address) {
        uint256 i = seed % ACTORS;
        while (i == requester || i == provider) i = (i + 1) % ACTORS;
        return actors[i];
    }

    function _pick(uint256 seed) internal view returns (Entry storage) {
        return _entries[bound(seed, 0, _entries.length - 1)];
    }

    /// @dev Seven times of eight the next order in one of `phases` with its flags and with such terms, if there is one.
    function _pickMostly(uint256 seed, uint256 phases, uint256 terms) internal view returns (Entry storage entry) {
        uint256 count = _entries.length;
        uint256 first = bound(seed, 0, count - 1);
        for (uint256 i; i < count && seed % 8 != 0; ++i) {
            entry = _entries[(first + i) % count];
            bool fits = phases & (1 << uint256(entry.phase)) != 0 && (phases & DISPUTED == 0 || entry.disputed)
                && (phases & APPROVED == 0 || entry.approved)
                && (terms & HAS_ARBITER == 0 || entry.order.arbiter != address(0))
                && (terms & HAS_APPROVER == 0 || entry.order.approver != address(0));
            if (fits) return entry;
        }
        return _entries[first];
    }

    function _token(uint256 seed) internal view returns (MockToken3009) {
        return tokens[seed % TOKENS];
    }

    function _actor(uint256 seed) internal view returns (address) {
        return actors[seed % ACTORS];
    }

    /// @dev Three times of four `account`, if it is one.
    function _mostly(address account, uint256 seed) internal view returns (address) {
        return account == address(0) || seed % 4 == 0 ? _actor(seed >> 2) : account;
    }
}
