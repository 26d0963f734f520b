// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {IVault} from "../CAPVault/IVault.sol";
import {MockToken} from "../mocks/MockToken.sol";
import {Test} from "../Test.sol";
import {VaultHandler} from "./handlers/VaultHandler.sol";
import {OrderStore} from "./stores/OrderStore.sol";

/// @notice The protocol's invariants; README.md states each in a sentence and says where it is checked.
contract VaultInvariantsTest is Test {
    /// @dev How forge reads excludeSelectors.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    IVault private vault;
    VaultHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        address owner = vm.addr(0x0123);
        vault = IVault(vm.deployCode("CAPVault.sol:CAPVault", abi.encode(owner, vm.addr(0xB1))));
        IVault twin = IVault(vm.deployCode("CAPVault.sol:CAPVault", abi.encode(owner, vm.addr(0xB1))));
        handler = new VaultHandler(vault, twin, owner);
        for (uint256 i; i < handler.TOKENS(); ++i) {
            address token = address(handler.tokens(i));
            vm.prank(owner);
            vault.setToken(token, true, 0);
            vm.prank(owner);
            twin.setToken(token, true, 0);
        }
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function excludeSelectors() public view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0] = FuzzSelector(address(handler), new bytes4[](2));
        excluded[0].selectors[0] = VaultHandler.endAll.selector;
        excluded[0].selectors[1] = handler.probe.selector;
    }

    /// @dev All in one: forge runs a campaign of its own for each invariant function.
    function invariant_all() public view {
        OrderStore.Entry[] memory entries = handler.entries();
        theVaultHoldsWhatItOwes(entries);
        creditsAndFeesAreThoseOfTheOrders();
        for (uint256 i; i < entries.length; ++i) {
            eachOrder(entries[i]);
        }
    }

    function theVaultHoldsWhatItOwes(OrderStore.Entry[] memory entries) private view {
        for (uint256 t; t < handler.TOKENS(); ++t) {
            MockToken token = handler.tokens(t);
            uint256 owed = handler.surplus(address(token)) + accruedFees(address(token));
            for (uint256 i; i < entries.length; ++i) {
                if (entries[i].order.token == address(token) && inEscrow(entries[i].id)) {
                    owed += entries[i].order.amount;
                }
            }
            for (uint256 a; a < handler.ACTORS(); ++a) {
                owed += vault.claimable(address(token), handler.actors(a));
            }
            vm.assertEq(token.balanceOf(address(vault)), owed, "1: balance = escrow + fees + credits (+ donations)");
        }
    }

    function creditsAndFeesAreThoseOfTheOrders() private view {
        for (uint256 t; t < handler.TOKENS(); ++t) {
            address token = address(handler.tokens(t));
            vm.assertEq(accruedFees(token), handler.accrued(token), "1: fees");
            for (uint256 a; a < handler.ACTORS(); ++a) {
                address actor = handler.actors(a);
                vm.assertEq(vault.claimable(token, actor), handler.credit(token, actor), "1: credit");
            }
        }
    }

    function eachOrder(OrderStore.Entry memory entry) private view {
        uint256 out = entry.toProvider + entry.toRequester + entry.fee + entry.commission;
        (Phase phase, bool approved, bool disputed, uint40 since, bytes25 hashPrefix) = vault.orderState(entry.id);
        bool ended = phase >= Phase.CLEAR;

        vm.assertEq(entry.paid - out, inEscrow(entry.id) ? entry.order.amount : 0, "2: money in, money out");
        vm.assertEq(uint256(phase), uint256(entry.phase), "3, 8: phase");
        vm.assertEq(since, entry.since, "3: since");
        vm.assertEq(approved, entry.approved, "3: approved");
        vm.assertEq(disputed, entry.disputed, "3: disputed");
        vm.assertEq(entry.endings, ended ? 1 : 0, "4: ended once");
        if (ended && entry.paid != 0) vm.assertEq(out, entry.order.amount, "4: the whole price");
        uint256 part = phase == Phase.CLEAR ? entry.providerPart : 0;
        vm.assertEq(
            entry.fee, part * entry.order.feeBps / 10_000, "5: the signed fee, whatever the owner has set since"
        );
        vm.assertEq(entry.commission, part * entry.order.commissionBps / 10_000, "5: the signed commission");
        vm.assertEq(entry.deliveries, entry.deliverableHash == 0 ? 0 : 1, "9: delivered once");
        vm.assertEq(bytes32(hashPrefix), bytes32(bytes25(entry.deliverableHash)), "9: the hash that was delivered");
    }

    /// @dev A stranger has ended every order, and in the end the vault keeps nothing but what was given to it.
    function afterInvariant() public {
        handler.endAll();
        OrderStore.Entry[] memory entries = handler.entries();
        for (uint256 i; i < entries.length; ++i) {
            (Phase phase,,,,) = vault.orderState(entries[i].id);
            vm.assertTrue(phase == Phase.NONE || phase >= Phase.CLEAR, "6: exit");
            eachOrder(entries[i]);
        }
        for (uint256 t; t < handler.TOKENS(); ++t) {
            MockToken token = handler.tokens(t);
            vm.assertEq(token.balanceOf(address(vault)), handler.surplus(address(token)), "1: nothing is left over");
        }
    }

    function inEscrow(bytes32 orderId) private view returns (bool) {
        (Phase phase,,,,) = vault.orderState(orderId);
        return phase == Phase.LOCK || phase == Phase.DELIVER || phase == Phase.DISPUTE;
    }

    function accruedFees(address token) private view returns (uint256 accrued) {
        (,, accrued) = vault.tokenConfig(token);
    }
}
