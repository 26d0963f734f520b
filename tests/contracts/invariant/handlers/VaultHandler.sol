// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../../contracts/interfaces/ICAPVault.sol";
import {IVault} from "../../CAPVault/IVault.sol";
import {Behaviour, MockToken} from "../../mocks/MockToken.sol";
import {MockWallet} from "../../mocks/MockWallet.sol";
import {Call, FUNDED, NEGOTIATION, ProtocolTable} from "../ProtocolTable.sol";
import {MoneyHandler} from "./MoneyHandler.sol";
import {OpeningHandler} from "./OpeningHandler.sol";
import {OrderHandler} from "./OrderHandler.sol";
import {World} from "./World.sol";

/// @notice All that anybody might do to the vault, and what else happens.
contract VaultHandler is OpeningHandler, OrderHandler, MoneyHandler {
    /// @dev The same code with the same settings at another address.
    IVault private immutable _twin;

    constructor(IVault vault_, IVault twin, address owner_) World(vault_, owner_) {
        _twin = twin;
    }

    /// @notice Takes an open order one to six steps on by those whom it names, or few sequences would see what follows payment.
    function advance(uint256 orderSeed, uint256 steps, uint256 seed) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, NEGOTIATION | FUNDED, 0);
        for (uint256 i; i <= steps % 6; ++i) {
            _advance(entry, seed);
            seed >>= 4;
        }
    }

    function _advance(Entry storage entry, uint256 seed) private {
        Order memory order = entry.order;
        if (entry.phase == Phase.NEGOTIATION) {
            _provide(order);
            _do(entry, Call.PAY, order.requester, abi.encodeCall(ICAPVault.payOrder, (order)));
        } else if (entry.phase == Phase.LOCK && order.approver != address(0) && !entry.approved) {
            _do(entry, Call.APPROVE, order.approver, abi.encodeCall(ICAPVault.approveOrder, (order)));
        } else if (entry.disputed && seed % 2 == 0) {
            _resolve(entry, order.arbiter, seed >> 128, 0, GAS);
        } else if (entry.phase == Phase.LOCK && (seed % 4 != 0 || entry.disputed)) {
            _deliver(entry, order.provider, keccak256(abi.encode(seed)), GAS);
        } else if (entry.phase == Phase.LOCK || (entry.phase == Phase.DELIVER && seed % 4 < 2)) {
            _do(entry, Call.DISPUTE, order.requester, abi.encodeCall(ICAPVault.disputeOrder, (order, 0)));
        }
    }

    /* THE WORLD */

    /// @notice What else happens, of which a sequence needs less than of steps.
    function disturb(uint256 what, uint256 tokenSeed, uint256 seed, uint256 other) external {
        MockToken token = _token(tokenSeed);
        what %= 9;
        if (what == 0) _ownerActs(token, seed, other);
        else if (what == 1) _push(token, seed, other);
        else if (what == 2) _donate(token, uint120(seed));
        else if (what == 3) token.setDenied(_actor(seed), other % 2 == 0);
        else if (what < 6) _setReentry(token, seed, other);
        else if (what == 6) _gone[address(token)] = seed % 4 == 0;
        else _setBehaviour(token, seed);
    }

    function _ownerActs(MockToken token, uint256 seed, uint256 other) private {
        vm.prank(owner);
        vault.setToken(address(token), seed % 4 != 0, uint16(other % 20));
        vm.prank(owner);
        vault.setTreasury(actors[other % 2 == 0 ? 4 : 5]);
    }

    function _push(MockToken token, uint256 callerSeed, uint256 amount) private {
        address caller = _actor(callerSeed);
        bytes memory data = abi.encodeCall(IVault.push, (address(token), caller, amount));
        _send(caller, data, abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller), GAS);
    }

    function _donate(MockToken token, uint120 amount) private {
        token.mint(address(vault), amount);
        surplus[address(token)] += amount;
    }

    /// @dev Half of the time the token behaves again, so that orders get somewhere.
    function _setBehaviour(MockToken token, uint256 seed) private {
        Behaviour next = seed % 2 == 0 ? Behaviour.HONEST : Behaviour((seed >> 1) % uint256(Behaviour.REENTERS));
        if (next == Behaviour.COSTS_GAS) token.charge(150_000);
        else token.setBehaviour(next);
    }

    /// @dev From now on the token makes a call on every transfer: one that would go through, by the wallet as a hook would, if there
    /// were no lock; or one that nobody may make, by itself.
    function _setReentry(MockToken token, uint256 orderSeed, uint256 which) private {
        bytes memory data;
        if (which % 4 == 0) data = abi.encodeCall(ICAPVault.sweepFees, (address(token)));
        else if (which % 4 == 1) data = abi.encodeCall(ICAPVault.claim, (address(token), actors[0]));
        else if (_entries.length == 0) return;
        else if (which % 4 == 2) data = _nextCall(_ofWallet(orderSeed));
        else return token.reenter(address(vault), _callOfNobody(token, _pick(orderSeed).order, which >> 2));
        token.reenter(actors[WALLET], abi.encodeCall(MockWallet.execute, (address(vault), data)));
    }

    /// @dev The next open order to which the wallet is a party, if there is one.
    function _ofWallet(uint256 seed) private view returns (Entry storage entry) {
        for (uint256 i; i < _entries.length; ++i) {
            entry = _entries[(seed % _entries.length + i) % _entries.length];
            bool party = entry.order.requester == actors[WALLET] || entry.order.provider == actors[WALLET];
            if (party && entry.phase != Phase.NONE && entry.phase < Phase.CLEAR) return entry;
        }
        return _pick(seed);
    }

    /// @dev What the wallet may do with an order, by a call that takes the lock.
    function _nextCall(Entry storage entry) private view returns (bytes memory) {
        Order memory order = entry.order;
        if (order.provider == actors[WALLET]) return abi.encodeCall(ICAPVault.rejectOrder, (order, 0));
        if (entry.phase == Phase.NEGOTIATION) return abi.encodeCall(ICAPVault.payOrder, (order));
        return abi.encodeCall(ICAPVault.releaseOrder, (order));
    }

    /// @dev A call that the token may not make, with or without a lock.
    function _callOfNobody(MockToken token, Order memory order, uint256 which) private view returns (bytes memory) {
        which %= 6;
        if (which == 0) return abi.encodeCall(ICAPVault.createOrder, (order, "", ""));
        if (which == 1) return abi.encodeCall(ICAPVault.createAndPayOrderWithAuthorization, (order, "", ""));
        if (which == 2) return abi.encodeCall(ICAPVault.approveOrder, (order));
        if (which == 3) return abi.encodeCall(ICAPVault.disputeOrder, (order, 0));
        if (which == 4) return abi.encodeCall(ICAPVault.resolveDispute, (order, order.amount, 0));
        return abi.encodeCall(IVault.push, (address(token), actors[0], 1));
    }

    /// @param how 0, 1: some time passes; 2, 3: to the last second of the next deadline of any order; 4, 5: to the second after; 6, 7:
    /// the same of one order, which may be far.
    function warp(uint256 orderSeed, uint256 how, uint256 elapsed) external {
        uint256 now_ = vm.getBlockTimestamp();
        how %= 8;
        if (how < 2 || _entries.length == 0) {
            vm.warp(now_ + bound(elapsed, 1, 2 hours));
        } else {
            uint256 deadline = how < 6 ? _nextDeadline(now_) : _deadline(_pick(orderSeed));
            if (how == 4 || how == 5 || how == 7) ++deadline;
            if (deadline > now_) vm.warp(deadline);
        }
        for (uint256 i; i < _entries.length; ++i) {
            _checkExits(_entries[i]);
        }
    }

    function _deadline(Entry storage entry) private view returns (uint256) {
        return ProtocolTable.deadline(entry.order, entry.phase, entry.since);
    }

    /// @dev Of the orders that the vault knows; 0 if there is none.
    function _nextDeadline(uint256 now_) private view returns (uint256 next) {
        for (uint256 i; i < _entries.length; ++i) {
            uint256 deadline = _entries[i].phase == Phase.NONE ? 0 : _deadline(_entries[i]);
            if (deadline >= now_ && (next == 0 || deadline < next)) next = deadline;
        }
    }

    /// @notice Invariant 11: what was signed for this vault on this chain counts neither on another chain nor for another vault.
    function replay(Order memory order, uint256 who, uint256 seed, uint256 otherChain) external {
        Entry storage entry = _orderToCreate(order, who, seed);
        order = entry.order;
        MockToken token = MockToken(order.token);
        token.mint(order.requester, order.amount);
        vm.prank(order.requester);
        token.approve(address(_twin), order.amount);
        uint256 held = token.balanceOf(order.requester);
        bytes[4] memory calls = _signedCalls(order, entry.id);
        address[4] memory callers = [STRANGER, STRANGER, order.requester, order.provider];
        uint256 chain = vm.getChainId();
        for (uint256 i; i < 4; ++i) {
            _fails(_twin, callers[i], calls[i]);
            otherChain = bound(otherChain, chain + 1, type(uint64).max);
            vm.chainId(otherChain);
            _fails(vault, callers[i], calls[i]);
            vm.chainId(chain);
        }
        vm.assertEq(token.balanceOf(order.requester), held, "11: the Requester's balance");
    }

    /// @dev Good for this vault on this chain: all consents, and what the caller's own replaces.
    function _signedCalls(Order memory order, bytes32 id) private returns (bytes[4] memory) {
        bytes memory requesterSig = _consent(order.requester, id, true);
        bytes memory providerSig = _consent(order.provider, id, true);
        bytes memory authorization = _authorization(order, id, true, 0);
        return [
            abi.encodeCall(ICAPVault.createOrder, (order, requesterSig, providerSig)),
            abi.encodeCall(ICAPVault.createAndPayOrderWithAuthorization, (order, providerSig, authorization)),
            abi.encodeCall(ICAPVault.createAndPayOrder, (order, providerSig)),
            abi.encodeCall(ICAPVault.createAndPayOrderWithAuthorization, (order, "", authorization))
        ];
    }

    function _fails(IVault target, address caller, bytes memory data) private {
        vm.prank(caller);
        (bool ok,) = address(target).call(data);
        vm.assertFalse(ok, "11: the signature counts elsewhere");
    }

    /* THE END */

    /// @notice Ends every order, as a stranger could, at the second that the table names, however the tokens behave; then, once they
    /// behave, empties the vault.
    function endAll() external {
        for (uint256 i; i < _entries.length; ++i) {
            Entry storage entry = _entries[i];
            Phase phase = entry.phase;
            if (phase == Phase.NONE || phase >= Phase.CLEAR) continue;
            uint256 exit = _deadline(entry) + 1;
            if (exit > vm.getBlockTimestamp()) vm.warp(exit);
            bool expires = phase == Phase.NEGOTIATION || phase == Phase.LOCK;
            Call call = expires ? Call.EXPIRE : Call.RELEASE;
            bytes memory data = expires
                ? abi.encodeCall(ICAPVault.expireOrder, (entry.order))
                : abi.encodeCall(ICAPVault.releaseOrder, (entry.order));
            vm.assertTrue(_do(entry, call, STRANGER, data), "6: exit");
        }
        for (uint256 i; i < TOKENS; ++i) {
            _gone[address(tokens[i])] = false;
            tokens[i].setBehaviour(Behaviour.HONEST);
            for (uint256 a; a < ACTORS; ++a) {
                tokens[i].setDenied(actors[a], false);
            }
        }
        for (uint256 i; i < TOKENS; ++i) {
            _sweep(address(tokens[i]), STRANGER);
            for (uint256 a; a < ACTORS; ++a) {
                _claim(address(tokens[i]), a, actors[a]);
            }
        }
    }
}
